"""gdui: what the pages share. theme, charts and wording are pure; controls, session and jobs know Streamlit."""
